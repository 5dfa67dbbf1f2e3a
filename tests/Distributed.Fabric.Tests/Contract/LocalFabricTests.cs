using Akka.Actor;
using Distributed.Fabric.Local;
using Distributed.Protocol;

namespace Distributed.Fabric.Tests.Contract;

/// <summary>The contract over one process.</summary>
public sealed class LocalFabricTests : FabricContract
{
    protected override IContractCluster Start() => new Cluster();

    private sealed class Cluster : IContractCluster
    {
        private readonly ActorSystem _system = ActorSystem.Create("contract", NodeConfiguration.Load());
        private readonly LocalNetwork _network = new(serialize: true);

        public Cluster() => Learner = Join("learner");

        public ContractNode Learner { get; }

        public ContractNode Join(string name) => new(_system, _network.Join(new NodeId(name)));

        public Task LeaveAsync(ContractNode node)
        {
            _network.Remove(node.Id);
            return Task.CompletedTask;
        }

        public Task CrashAsync(ContractNode node) => LeaveAsync(node);

        public async ValueTask DisposeAsync()
        {
            await _system.Terminate();
            _system.Dispose();
        }
    }
}
