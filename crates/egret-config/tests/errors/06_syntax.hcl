output "one" {
  url = 'single'
}

output "two" {
  url = "\d+"
}

output "three" {
  url = "fine"
  url = "again"
}

output "four" {
  url = 
}

output "five" { url = "a", retries = 2 }

output "six" {
  retrys = 6
}
