#!/bin/sh
# Asks an independent reading of the Amazon States Language about every state machine file, with its substitutions made
# as deployments in two of AWS's partitions make them.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for partition in aws aws-cn; do
    for machine in statemachine/*.asl.json; do
        substituted="$folder/$partition-$(basename "$machine")"
        sed -e "s/\${Partition}/$partition/g" -e 's/${InboxBucketName}/inbox/g' \
            -e "s/\${\([A-Za-z]*Function\)Arn}/arn:$partition:lambda:eu-west-1:123456789012:function:\1/g" "$machine" >"$substituted"
        if grep -F '${' "$substituted"; then
            echo "$machine: a substitution above has no value here; give it one in tooling/validate_machines.sh" >&2
            exit 1
        fi
        .tools/node/bin/node .tools/node/node_modules/asl-validator/dist/bin/asl-validator.js --json-path "$substituted"
    done
done
