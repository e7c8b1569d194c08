"""What TP3's data and the results beside the papers are made with: MNIST, networks, scores."""
