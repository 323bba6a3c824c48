#!/usr/bin/env bash
# Install the newest wheel of dist/ into an empty environment, with no Rust and no source tree in reach, and run it there.
#   scripts/check_wheel.sh PYTHON
set -euo pipefail
python="$(command -v "${1:-python3}")"
wheel="$(ls -t "$PWD"/dist/mirrorfast-*.whl | head -1)"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

"$python" -m venv "$folder/venv"
before=$(du -sm "$folder/venv" | cut -f1)
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "$wheel"
after=$(du -sm "$folder/venv" | cut -f1)

cd "$folder"
run() { env -i PATH=/usr/bin:/bin HOME="$folder" LANG=C.UTF-8 "$folder/venv/bin/$@"; }
! run python -c 'import shutil, sys; sys.exit(shutil.which("cargo") is None)' || { echo "cargo is in reach" >&2; exit 1; }
run mirrorfast --version
run mirrorfast doctor
started=$SECONDS
run mirrorfast live --run wheel --json > summary.json
run python -c 'import json; s = json.load(open("summary.json")); assert s["status"] == "finished", s; print(s["bars"], "bars,", s["trades"], "trades")'
test -s runs/wheel/ledger.sqlite
test -s runs/wheel/report.html
echo "wheel $(du -k "$wheel" | cut -f1) KiB, installed $((after - before)) MiB, live in $((SECONDS - started)) s"
