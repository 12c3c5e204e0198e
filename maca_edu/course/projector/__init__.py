"""The explorers of the labs as one page for the projector: `make app`, or `maca-edu app`."""
