#!/bin/sh
# check.sh: the console's types hold against the API's own document, its logic against its tests, and the committed files are what its sources make.
set -eu
packages=.tools/console/node_modules
node=.tools/console/bin/node
"$node" "$packages/openapi-typescript/bin/cli.js" layers/fermata/fermata/openapi.json --output client/console/src/api/schema.d.ts >/dev/null
"$node" "$packages/typescript-native/bin/tsc" --project client/console
"$node" client/console/test.mjs
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
"$node" client/console/build.mjs "$built"
diff --recursive --brief "$built" functions/serve_console/assets || {
    echo "functions/serve_console/assets is not what client/console makes: run 'make console' and commit what it writes" >&2
    exit 1
}
