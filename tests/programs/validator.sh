#!/bin/sh
# A validator for machines without node: `validator.sh COURSE_DIR BATCH LOG` finds fault with every LEGO `forbidden` of its
# batch, names the first seed of the course in an error too, and prints its judgement.
echo "$2" >> "$3"
echo "checking batch $2" >&2
file="$1/phase3_batch_$2.json"
[ -f "$1/seed_pairs.json" ] || { echo "no seed_pairs.json in $1" >&2; exit 3; }
seeds=$(tr -d '\n ' < "$file" | grep -oE '"S[0-9]+L[0-9]+","[BCF]",("[^"]*",)?"forbidden[^"]*"' | cut -d'"' -f2 | cut -dL -f1)
[ -n "$seeds" ] || { echo '{"valid": true, "errors": [], "warnings": []}'; exit 0; }
errors=""
for seed in $seeds; do
  errors="$errors{\"type\": \"FORBIDDEN\", \"seedId\": \"$seed\", \"message\": \"a LEGO is forbidden\", \"suggestion\": \"another word\"},"
done
echo "{\"valid\": false, \"errors\": [$errors{\"type\": \"FIRST\", \"seedId\": \"S0001\", \"message\": \"look at the first\"}], \"failedSeeds\": []}"
exit 1
