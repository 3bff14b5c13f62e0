output "one" {
  url = `never closed
}
