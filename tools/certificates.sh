#!/bin/sh
# Certificates for a Dask cluster of one's own: an authority that signs one certificate, which
# scheduler, workers and the grader all show. Whoever has FOLDER can read hidden tests and run code
# on the workers: copy it to your machines only, by ssh.
# Usage: sh tools/certificates.sh FOLDER
set -eu
folder=${1:?usage: sh tools/certificates.sh FOLDER}
umask 077
mkdir -p "$folder"
cd "$folder"
[ ! -e key.pem ] || { echo "nbjudge: there are certificates in $folder; nothing was changed" >&2; exit 1; }
openssl req -x509 -newkey rsa:3072 -nodes -days 365 -subj "/CN=nbjudge authority" \
    -keyout ca-key.pem -out ca.pem 2>/dev/null
openssl req -newkey rsa:3072 -nodes -subj "/CN=nbjudge cluster" \
    -keyout key.pem -out request.pem 2>/dev/null
openssl x509 -req -in request.pem -days 365 -CA ca.pem -CAkey ca-key.pem -CAcreateserial \
    -out cert.pem 2>/dev/null
# Nothing more is to be signed by it.
rm -f request.pem ca-key.pem ca.srl
