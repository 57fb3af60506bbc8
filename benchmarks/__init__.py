"""How fast, how dear and how big: measured in one run, written to docs/performance.md.

Each figure comes from the package as it is deployed, run by the functions' own Python where there is one,
in processes of their own: `invocation` runs there and imports nothing but that package.
"""
