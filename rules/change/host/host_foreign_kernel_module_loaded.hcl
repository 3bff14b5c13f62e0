detection "host_foreign_kernel_module_loaded" {
  table       = "change"
  channel     = "host.kernel_modules.**"
  title       = "Kernel module from outside was loaded"
  description = <<-EOT
    The module is not signed, or not part of the kernel's tree. What runs in the kernel can hide files,
    processes and connections from everything else, Egret on this host included.
  EOT
  severity       = "high"
  tags           = ["attack.persistence", "attack.defense_evasion", "attack.t1547.006", "attack.t1014"]
  falsepositives = ["Drivers of graphics cards, virtual machines and file systems that are built on the host."]
  references     = [
    "https://attack.mitre.org/techniques/T1547/006/",
    "https://docs.kernel.org/admin-guide/tainted-kernels.html",
  ]

  where = <<-EOT
    path in ('', '/taints')
    and regexp_matches(object_after->>'taints', '[OEF]')
    and not coalesce(regexp_matches(object_before->>'taints', '[OEF]'), false)
  EOT

  message = "kernel module {object_after.name} is from outside (taints {object_after.taints})"
}
