#!/bin/sh
# Prints the Debian packages of what is not there. Each argument is thing:package; a thing with a slash is a file below /usr/include,
# or an absolute path, else a command.
for need; do
  thing=${need%:*}
  case $thing in
    /*) [ -e "$thing" ] ;;
    */*) [ -e "/usr/include/$thing" ] ;;
    *) command -v "$thing" >/dev/null ;;
  esac || echo "${need##*:}"
done
