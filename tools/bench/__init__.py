"""Measures the exporter beside its peers: the same log, equal metrics, whole-process CPU time.

formats and generate make the log, debian fetches the peers, contenders says how each is run,
exposition and equality make sure that all counted the same, race measures, report and chart tell.
"""
