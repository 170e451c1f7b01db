"""Line-API widgets: they draw `Line`s, keep a selection or a place, and know nothing of runs and agents."""
