#!/bin/sh
# Greets the person whose name it is given.
echo "Hello, $1"
