"""The parts of the package that do not depend on schemas. Private."""

# SPDX-License-Identifier: 0BSD
