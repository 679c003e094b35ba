"""What checks report: findings, their codes, waivers, and reports in four formats."""
