// Package bench measures the program beside bare SQL in the same run: reads through HTTP and through the executor, ingestion,
// memory and bytes on disk. Nothing here is a test: it prints figures and judges none.
package bench
