"""The options of fal's endpoints: names, types, limits and sizes."""
