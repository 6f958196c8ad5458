#!/usr/bin/env bash
# The two API generators against servers that others wrote: a course of 20 seeds through each, in both dialects, and what faults become.
# `tests/servers/apis.sh [litellm] [aimock]`; LiteLLM needs python3 with venv and pip and 750 MB, aimock needs npm. Nothing is installed outside a
# temporary folder; a program that is there already is taken: LITELLM=PATH, AIMOCK=PATH (of `llmock`). Prints what it skips.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
litellm_version=1.106.2
aimock_version=1.43.0

source tests/servers/recorded.sh
key=sk-local-test

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# course NAME DIALECT MODEL URL MORE: a fresh workspace that asks MODEL at URL.
course() {
  mkdir -p "$work/$1"
  cp -r examples/spa_for_eng_20seeds/{docs,seeds.json} "$work/$1/"
  cat >"$work/$1/coursebuild.toml" <<END
rules = "builtin:batching@1"
[generate]
use = "$2"
model = "$3"
base_url = "$4"
api_key_env = "PROXY_KEY"
${5:-}
[prices]
"*" = { input = 3.0, output = 15.0, cache_write = 3.75, cache_read = 0.3 }
[[course]]
code = "spa_for_eng"
target = "spa"
known = "eng"
target_name = "Spanish"
dir = "out/spa_for_eng"
seeds = "seeds.json"
END
}

build() {
  (cd "$work/$1" && env -i PATH="$PATH" PROXY_KEY="$key" "$tool" "${@:2}" 2>&1)
}

# ends NAME CODE WORDS: a build of phase 1 that ends with CODE and says WORDS.
ends() {
  local code=0 said
  said=$(build "$1" build phase1) || code=$?
  [[ $code -eq $2 ]] || fail "$1: exit $code, and $2 was expected: $said"
  grep -qi -- "$3" <<<"$said" || fail "$1: says nothing of \`$3\`: $said"
  ! grep -q "$key" <<<"$said" || fail "$1: the key was shown"
  echo "ok: $1"
}

# books NAME MODEL CALLS: `log --cost` has as many calls, the tokens that the model server itself took down for MODEL, and their price.
books() {
  build "$1" log --cost --format json >"$work/$1.cost"
  python3 - "$work/requests.log" "$work/$1.cost" "$2" "$3" <<'END' || fail "$1: the books do not agree"
import json, sys
log, cost, model, calls = sys.argv[1:]
told = json.load(open(cost))
sold = {"input": 0, "cache_write": 0, "cache_read": 0, "output": 0}
for line in map(json.loads, open(log)):
    if line["model"] == model and "usage" in line:
        for meter, tokens in line["usage"].items():
            sold[meter] += tokens
total = told["total"]
known = {meter: tokens or 0 for meter, tokens in total["usage"].items()}
price = {"input": 3.0, "output": 15.0, "cache_write": 3.75, "cache_read": 0.3}
usd = sum(tokens * price[meter] for meter, tokens in sold.items()) / 1e6
assert known == sold, (known, sold)
assert total["calls"] == int(calls) and total["unknown"] == 0, total
for by in ("phases", "models", "reasons", "days"):
    assert abs(sum(sum_["usd"] for sum_ in told[by]) - usd) < 1e-9, (by, usd)
print(f"books: {total['calls']} calls, {sold}, ${usd:.4f}")
END
}

# LiteLLM: what we speak to it is one thing, what it speaks to the model server another; all four ways.
litellm() {
  local port program=${LITELLM:-}
  if [[ -z $program ]]; then
    if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
      echo 'skipped: LiteLLM (python3 has no venv)'
      return
    fi
    echo "installing LiteLLM $litellm_version into $work"
    python3 -m venv "$work/venv"
    "$work/venv/bin/pip" install -q "litellm[proxy]==$litellm_version" >"$work/pip.log" 2>&1 || fail "pip: $(tail -3 "$work/pip.log")"
    program=$work/venv/bin/litellm
  fi
  printf '\n--- %s\n' "$("$program" --version 2>/dev/null | grep -i version)"
  {
    echo 'model_list:'
    for name in anthropic openai busy-anthropic busy-openai; do
      behaviour=ok
      if [[ $name == busy* ]]; then behaviour=busy; fi
      echo "  - {model_name: $name-chat, litellm_params: {model: \"hosted_vllm/stub-$behaviour@$name-chat\", api_base: \"$url/v1\", api_key: none}}"
      echo "  - {model_name: $name-messages, litellm_params: {model: \"anthropic/stub-$behaviour@$name-messages\", api_base: \"$url\", api_key: none}}"
    done
    for behaviour in http-400 http-401 http-402 http-404 http-413 context cap refusal; do
      echo "  - {model_name: $behaviour, litellm_params: {model: \"hosted_vllm/stub-$behaviour\", api_base: \"$url/v1\", api_key: none}}"
    done
    echo 'router_settings: {num_retries: 0}'
    echo 'litellm_settings: {telemetry: false, drop_params: true, num_retries: 0}'
  } >"$work/litellm.yaml"
  port=$(free_port)
  LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_MASTER_KEY=$key "$program" --config "$work/litellm.yaml" --host 127.0.0.1 --port "$port" \
    --telemetry False >"$work/litellm.log" 2>&1 &
  servers+=($!)
  until_true curl -fsS -o "$work/alive" "http://127.0.0.1:$port/health/liveliness"
  local at=http://127.0.0.1:$port
  for dialect in anthropic openai; do
    for behind in chat messages; do
      echo "$dialect in front, $behind behind"
      # Of a model that it does not know, LiteLLM drops a schema on the way from chat completions to messages.
      if [[ $dialect-$behind == openai-messages ]]; then schema=; else schema='json_schema = true'; fi
      course "$dialect-$behind" "$dialect" "$dialect-$behind" "$at" "$schema"
      whole "$dialect-$behind"
      books "$dialect-$behind" "stub-ok@$dialect-$behind" 4
      course "busy-$dialect-$behind" "$dialect" "busy-$dialect-$behind" "$at"
      whole "busy-$dialect-$behind" >/dev/null
      books "busy-$dialect-$behind" "stub-busy@busy-$dialect-$behind" 4
    done
    for row in 'http-400 2 does not take this request' 'http-401 2 the key is wrong' 'http-402 2 no money left' 'http-404 2 model' \
      'http-413 1 too long' 'context 1 too long' 'cap 0 cut off' 'refusal 1 no answer'; do
      read -r behaviour code words <<<"$row"
      course "$dialect-$behaviour" "$dialect" "$behaviour" "$at"
      ends "$dialect-$behaviour" "$code" "$words"
    done
    course "$dialect-unknown" "$dialect" no-such-model "$at"
    ends "$dialect-unknown" 2 'no-such-model'
  done
}

# aimock: faults by a script, then what the model server says.
aimock() {
  local port program=${AIMOCK:-}
  if [[ -z $program ]]; then
    if ! command -v npm >/dev/null; then
      echo 'skipped: aimock (there is no npm)'
      return
    fi
    echo "installing aimock $aimock_version into $work"
    npm install --prefix "$work" --no-audit --no-fund --silent "@copilotkit/aimock@$aimock_version" >"$work/npm.log" 2>&1 ||
      fail "npm: $(tail -3 "$work/npm.log")"
    program=$work/node_modules/.bin/llmock
  fi
  mkdir -p "$work/fixtures"
  python3 - "$work/recorded/out/spa_for_eng" "$work/fixtures/faults.json" <<'END'
import json, sys
recorded, into = sys.argv[1:]
seeds = json.load(open(f"{recorded}/seed_pairs.json"))
legos = json.load(open(f"{recorded}/lego_pairs.json"))
second = [json.dumps(dict(list(seeds.items())[4:8]), ensure_ascii=False), json.dumps(legos[4:8], ensure_ascii=False)]
cut = lambda text: {"content": text[: text.index("S0007") + 9], "finishReason": "length"}
limited = ({"error": {"message": "slow down", "type": "rate_limit_error"}, "status": 429, "retryAfter": 1}, {})
cut_off = lambda phase: (cut(second[phase]), {})
prose = ({"content": 'I am sorry, the items are { "A": '}, {})
breaks_off = lambda phase: ({"content": second[phase]}, {"truncateAfterChunks": 2})
by_chance = lambda kind: ({"content": "nobody hears this"}, {"chaos": {kind: 1}})
overloaded = ({"error": {"message": "overloaded", "type": "overloaded_error"}, "status": 529}, {})
fails = ({"error": {"message": "oops", "type": "api_error"}, "status": 500}, {})
script = {
    "phase1_batch_1": [limited],
    "phase1_batch_2": [cut_off(0)],
    "phase1_batch_3": [prose],
    "phase1_batch_4": [by_chance("disconnectRate"), breaks_off(0), by_chance("malformedRate")],
    "phase1_batch_5": [overloaded, fails, by_chance("rateLimitRate")],
    "phase3_batch_2": [limited, breaks_off(1), by_chance("malformedRate"), by_chance("disconnectRate"), cut_off(1)],
    "phase3_batch_4": [prose],
}
fixtures = [
    {"match": {"userMessage": f"The batch {label}:", "sequenceIndex": number}, "response": response} | more
    for label, steps in script.items()
    for number, (response, more) in enumerate(steps)
]
json.dump({"fixtures": fixtures}, open(into, "w"), ensure_ascii=False, indent=1)
END
  for dialect in anthropic openai; do
    port=$(free_port)
    "$program" -p "$port" -h 127.0.0.1 -f "$work/fixtures" --validate-on-load --proxy-only --provider-anthropic "$url" --provider-openai "$url" \
      >"$work/aimock-$dialect.log" 2>&1 &
    servers+=($!)
    until_true curl -fsS -o "$work/journal" "http://127.0.0.1:$port/__aimock/journal"
    printf '\n--- aimock %s, %s\n' "$aimock_version" "$dialect"
    course "aimock-$dialect" "$dialect" "stub-ok@aimock-$dialect" "http://127.0.0.1:$port" '[phase.phase1]
batch = 4
[phase.phase3]
batch = 4'
    whole "aimock-$dialect"
    build "aimock-$dialect" log --cost --format json >"$work/aimock.cost"
    curl -fsS "http://127.0.0.1:$port/__aimock/journal" >"$work/journal"
    python3 - "$work/journal" "$work/aimock.cost" <<'END' || fail "aimock, $dialect: not what the script says"
import collections, json, re, sys
journal, cost = (json.load(open(path)) for path in sys.argv[1:])
asked = collections.defaultdict(list)
for entry in journal:
    said = entry["body"]["messages"][-1]["content"]
    said = said if isinstance(said, str) else said[0]["text"]
    asked[re.search(r"The batch (\S+):", said).group(1)].append(entry)
# Five batches in two phases each and two of phase 5; one call more for what was cut off and one for what could not be read.
assert cost["total"]["calls"] == 16, cost["total"]
tries = {label: len(entries) for label, entries in sorted(asked.items())}
print("requests:", tries)
assert (tries["phase1_batch_1"], tries["phase1_batch_4"], tries["phase1_batch_5"]) == (2, 4, 4), tries
# The cut call's rest and what was asked again after prose have their batch's name too.
assert (tries["phase1_batch_2"], tries["phase1_batch_3"], tries["phase3_batch_2"], tries["phase3_batch_4"]) == (2, 2, 6, 2), tries
for label in ("phase1_batch_1", "phase3_batch_2"):
    first, again = asked[label][:2]
    assert first["response"]["status"] == 429
    assert again["timestamp"] - first["timestamp"] >= 1000, "Retry-After: 1 was not heeded"
END
  done
}

for name in "${@:-litellm aimock}"; do
  for one in $name; do
    case $one in
      litellm | aimock) "$one" ;;
      *) fail "unknown server \`$one\`: litellm, aimock" ;;
    esac
  done
done
echo 'the servers of others: all good'
