# What the Vagrantfile comes to with a provider, and what that provider's own checks find in it: `vagrant validate` for
# a provider that is not installed. Only the question whether the provider can be used here is left out.
#
#   ruby provider_config.rb PROVIDER   in the Vagrantfile's folder; prints JSON
require "json"
require "vagrant"

provider = ARGV.fetch(0).to_sym
environment = Vagrant::Environment.new
known = Vagrant.plugin("2").manager.providers[provider]
abort "unknown provider" if known.nil?

known[0].class_eval do
  def self.usable?(_raise_error = false) = true
  def initialize(_machine) = nil
  def machine_id_changed = nil
  def state = Vagrant::MachineState.new(Vagrant::MachineState::NOT_CREATED_ID, :not_created, :not_created)
end

found = environment.machine_names.to_h do |name|
  machine = environment.machine(name, provider)
  settings = machine.provider_config
  networks = machine.config.vm.networks.select { |kind, _| kind == :private_network }
  addresses = networks.map { |_, options| options[:ip] }
  errors = machine.config.validate(machine, false).values.flatten
  # VirtualBox gets commands, libvirt gets values.
  given = settings.respond_to?(:customizations) ? settings.customizations.flatten : [settings.memory, settings.cpus]
  [name, { given: given, addresses: addresses, errors: errors }]
end
puts JSON.generate(found)
