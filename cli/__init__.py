"""The operator's command line: the demo, the generated tables, the measurements. It never ships to Lambda."""
