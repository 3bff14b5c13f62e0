detection "host_cron_job_added" {
  table       = "change"
  channel     = "host.cron_jobs.**"
  title       = "New job of cron"
  description = <<-EOT
    A command is run at its time from now on, whoever is logged in. It is a way to start again after each clean-
    up, and it needs nothing but one line in a file.
  EOT
  severity       = "medium"
  tags           = ["attack.persistence", "attack.execution", "attack.t1053.003"]
  falsepositives = ["A package or an administrator that adds a job."]
  references     = ["https://attack.mitre.org/techniques/T1053/003/"]

  where = <<-EOT
    operation = 'add' and path = ''
  EOT

  message = "{object_after.user} runs at {object_after.schedule}: {object_after.command} ({object_after.file})"
}
