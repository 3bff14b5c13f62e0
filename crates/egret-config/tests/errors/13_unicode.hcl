output "ümläut" {
  url = "é" # 🦩
  ürl = "🦩🦩"; x = 1
}
