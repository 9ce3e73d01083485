#!/bin/sh
# Makes the certificates of this folder anew. See README.md.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

from=20200101000000Z
to=21200101000000Z

cat > openssl.cnf <<'CONFIG'
[req]
distinguished_name = subject
prompt = no
[subject]
CN = unused
[ca]
default_ca = authority
[authority]
database = index.txt
rand_serial = yes
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[authority_extensions]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server_extensions]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
[elsewhere_extensions]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:elsewhere.invalid
[client_extensions]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
CONFIG
: > index.txt

# request NAME COMMON_NAME: a key and a request to sign it.
request() {
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"
  openssl req -new -config openssl.cnf -subj "/CN=$2" -key "$1.key" -out "$1.csr"
}

# sign NAME AUTHORITY EXTENSIONS FROM TO
sign() {
  openssl ca -config openssl.cnf -batch -notext -cert "$2.pem" -keyfile "$2.key" \
    -extensions "$3" -startdate "$4" -enddate "$5" -in "$1.csr" -out "$1.pem"
}

# authority NAME COMMON_NAME
authority() {
  request "$1" "$2"
  openssl ca -config openssl.cnf -batch -notext -selfsign -keyfile "$1.key" \
    -extensions authority_extensions -startdate "$from" -enddate "$to" -in "$1.csr" -out "$1.pem"
}

authority ca 'Trunkline test authority'
authority other-ca 'Trunkline other test authority'

request server localhost
sign server ca server_extensions "$from" "$to"
request server-wrong-name elsewhere.invalid
sign server-wrong-name ca elsewhere_extensions "$from" "$to"
request server-expired localhost
sign server-expired ca server_extensions "$from" 20201231000000Z
request client trunkline-test-client
sign client ca client_extensions "$from" "$to"
request server-other-ca localhost
sign server-other-ca other-ca server_extensions "$from" "$to"
request client-other-ca trunkline-test-client
sign client-other-ca other-ca client_extensions "$from" "$to"

rm ca.key other-ca.key
cp ca.pem other-ca.pem server*.pem server*.key client*.pem client*.key "$here"
