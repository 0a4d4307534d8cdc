"""All metric families: the traffic's, then those of the exporter itself. By type, as exposed."""

from nginxlog_exporter.metrics.family import COUNTER, GAUGE, HISTOGRAM
from nginxlog_exporter.metrics.health import HEALTH
from nginxlog_exporter.metrics.traffic import TRAFFIC

FAMILIES = (*TRAFFIC, *HEALTH)
COUNTERS = tuple(one for one in FAMILIES if one.type == COUNTER and not one.of_process)
PROCESS_COUNTERS = tuple(one for one in FAMILIES if one.of_process)
HISTOGRAMS = tuple(one for one in FAMILIES if one.type == HISTOGRAM)
GAUGES = tuple(one for one in FAMILIES if one.type == GAUGE)
