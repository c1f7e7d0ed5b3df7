"""chat --web: a page on this machine where a model answers, and every token of the answer can be opened."""
