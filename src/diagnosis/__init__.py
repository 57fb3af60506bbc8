"""The pure core: alarm and evidence in, findings, verdict, decision and report out; no AWS, no clock, no
input or output.
"""
