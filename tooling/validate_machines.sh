#!/bin/sh
# Asks an independent reading of the Amazon States Language about every state machine file.
set -eu
for machine in statemachine/*.asl.json; do
    .tools/node/bin/node .tools/node/node_modules/asl-validator/dist/bin/asl-validator.js --json-path "$machine"
done
