"""HTTP: links and their guard, headers, request bodies and problem documents."""
