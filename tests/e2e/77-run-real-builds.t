#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What 63-real-builds.t does in a view, under livery run: with dpkg-deb and install as they are.
BUILDS_BY=run exec bash "$(dirname "$0")/63-real-builds.t"
