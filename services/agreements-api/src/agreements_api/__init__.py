"""The system of record for agreements between localities and the tasks that fulfil them."""
