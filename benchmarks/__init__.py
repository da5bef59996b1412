"""Benchmarks: one file a part, run by ``make bench-<part>``; each gives a flat object of figures."""
