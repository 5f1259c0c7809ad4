"""The demo: a real Airflow runs DAGs on the local AWS emulator, and loses its scheduler; what failed is explained."""
