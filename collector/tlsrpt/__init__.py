"""RFC 8460: the report, its parser, its deviations, its result types and its names."""
