"""Reading, checking, splitting and caching the images that train and measure the network."""
