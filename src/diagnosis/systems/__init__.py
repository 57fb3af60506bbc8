"""What is known of each system besides load balancers: one file a system, plain data."""
