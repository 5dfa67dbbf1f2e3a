using Distributed.Fabric.Tests.Http;

namespace Distributed.Fabric.Tests.Contract;

/// <summary>The contract over WebSockets, each node behind a proxy that can fail.</summary>
public sealed class HttpFabricTests : FaultyFabricContract
{
    protected override IFaultyCluster StartFaulty() => new HttpCluster();
}
