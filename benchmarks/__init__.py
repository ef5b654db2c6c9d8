"""Speed and size, measured side by side: `make bench-NAME`, whose last line is one JSON object."""
