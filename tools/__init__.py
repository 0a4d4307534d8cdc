"""For those who work on Teal: checks, tests, benchmarks. Nothing of Teal imports it."""
