#!/usr/bin/env bash
# The real agent programs against a local model server: a course of 20 seeds through each, and what their failures become.
# `tests/servers/agents.sh [claude] [codex]`; needs npm and python3. Nothing is installed outside a temporary folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
claude_version=2.1.330
codex_version=0.169.0

source tests/servers/recorded.sh

echo "installing into $work"
packages=()
for name in "${@:-claude codex}"; do
  for one in $name; do
    case $one in
      claude) packages+=("@anthropic-ai/claude-code@$claude_version") ;;
      codex) packages+=("@openai/codex@$codex_version") ;;
      *) fail "unknown program \`$one\`: claude, codex" ;;
    esac
  done
done
npm install --prefix "$work" --no-audit --no-fund --silent "${packages[@]}" >"$work/npm.log" 2>&1 || fail "npm: $(tail -3 "$work/npm.log")"
claude=$(find "$work/node_modules/@anthropic-ai" -type f -name claude -size +1M 2>/dev/null | head -1 || true)
codex=$(find "$work/node_modules/@openai" -type f -path '*/bin/codex' -size +1M 2>/dev/null | head -1 || true)

# course NAME PRESET PROGRAM MODEL MORE: a fresh workspace that asks PROGRAM.
course() {
  mkdir -p "$work/$1"
  cp -r examples/spa_for_eng_20seeds/{docs,seeds.json} "$work/$1/"
  cat >"$work/$1/coursebuild.toml" <<END
rules = "builtin:batching@1"
[generate]
use = "command"
preset = "$2"
argv = ["$3"]
model = "$4"
$5
[[course]]
code = "spa_for_eng"
target = "spa"
known = "eng"
target_name = "Spanish"
dir = "out/spa_for_eng"
seeds = "seeds.json"
END
}

mkdir -p "$work/home" "$work/codex"
build() {
  (cd "$work/$1" && env -i PATH="$PATH" HOME="$work/home" CODEX_HOME="$work/codex" ANTHROPIC_API_KEY=stub OPENAI_API_KEY=stub \
    ANTHROPIC_BASE_URL="$url" "$tool" "${@:2}" 2>&1)
}

# ends NAME CODE WORDS: a build of phase 1 that ends with CODE and says WORDS.
ends() {
  local code=0 said
  said=$(build "$1" build phase1) || code=$?
  [[ $code -eq $2 ]] || fail "$1: exit $code, and $2 was expected: $said"
  grep -qi -- "$3" <<<"$said" || fail "$1: says nothing of \`$3\`: $said"
  echo "ok: $1"
}

if [[ -n $claude ]]; then
  env='env = ["ANTHROPIC_BASE_URL"]'
  course claude claude "$claude" stub-ok "$env"
  whole claude
  [[ $(build claude log phase1/1) == *'$'* ]] || fail "claude: no money was taken down"
  # The prefix comes first and is the same for all calls of a phase: one of two reads what the other wrote.
  [[ $(build claude log -v phase5) == *cache* ]] || fail "claude: nothing was read from the cache"
  course claude-prose claude "$claude" stub-prose "$env"
  ends claude-prose 0 '20 items'
  for row in '400 2 refused' '401 2 /login' '402 2 credit' '404 2 model' '413 1 too l'; do
    read -r status code words <<<"$row"
    course "claude-$status" claude "$claude" "stub-http-$status" "$env"
    ends "claude-$status" "$code" "$words"
  done
  course claude-refusal claude "$claude" stub-refusal "$env"
  ends claude-refusal 1 'refused'
  course claude-flag claude "$claude" stub-ok "$env"$'\nargs = ["--nosuch"]'
  ends claude-flag 2 'unknown option'
fi

if [[ -n $codex ]]; then
  args="args = [\"-c\", \"model_provider=stub\", \"-c\", \"model_providers.stub={name='stub',base_url='$url/v1',env_key='OPENAI_API_KEY',wire_api='responses',request_max_retries=1,stream_max_retries=1}\"]"
  course codex codex "$codex" stub-ok "$args"
  whole codex
  for row in '400 2 the stub says 400' '401 2 codex login'; do
    read -r status code words <<<"$row"
    course "codex-$status" codex "$codex" "stub-http-$status" "$args"
    ends "codex-$status" "$code" "$words"
  done
fi
echo 'the real programs: all good'
