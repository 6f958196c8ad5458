# What the other scripts here begin with; sourced from the top of the project, not run. Gives `work` (a scratch folder that goes at the
# end), `tool`, the example built offline in `$work/recorded`, and a model server that answers from it at `url`. `servers` holds what
# is to be ended; `build NAME …` (how the tool is run in the course of that name) is the script's own.

tool=${COURSEBUILD:-$PWD/target/release/coursebuild}
work=$(mktemp -d -p "${HOME:-/root}") # codex wants a home that is not a temporary folder
servers=()
cleanup() {
  if [[ ${#servers[@]} -gt 0 ]]; then kill "${servers[@]}" 2>/dev/null || true; fi
  wait
  rm -rf "$work"
}
trap cleanup EXIT

fail() {
  echo "FAILED: $*" >&2
  tail -3 "$work/server.err" >&2
  exit 1
}

# until_true COMMAND…: waits for it, two minutes at most.
until_true() {
  for _ in $(seq 1200); do
    if "$@" 2>/dev/null; then return; fi
    sleep 0.1
  done
  fail "still not true after two minutes: $*"
}

cp -r examples/spa_for_eng_20seeds "$work/recorded"
rm -rf "$work/recorded/out" "$work/recorded/.coursebuild"
(cd "$work/recorded" && "$tool" build --offline >/dev/null)
python3 tests/servers/model.py "$work/recorded/out/spa_for_eng" "$work/requests.log" "$work/port" 2>"$work/server.err" &
servers+=($!)
until_true test -s "$work/port"
url=http://127.0.0.1:$(cat "$work/port")

# as_recorded NAME: the course's main files are those of the recorded one.
as_recorded() {
  for file in seed_pairs lego_pairs lego_baskets; do
    cmp "$work/$1/out/spa_for_eng/$file.json" "$work/recorded/out/spa_for_eng/$file.json" || fail "$1: $file differs"
  done
}

# whole NAME: a course of 20 seeds comes out as the recorded one, and a second build asks nobody.
whole() {
  build "$1" build || fail "$1: the course was not built"
  as_recorded "$1"
  build "$1" build --locked >/dev/null || fail "$1: a second build wants calls"
  [[ $(build "$1" log phase1/1) == *'tokens in'* ]] || fail "$1: no usage was taken down"
}
