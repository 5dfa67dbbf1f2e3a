using System.Reflection;

namespace Distributed.Engine.Torch.Tests;

public sealed class LeftOutTests
{
    [Fact]
    public void Without_TorchSharp_the_assembly_is_there_and_empty() =>
        Assembly.Load("Distributed.Engine.Torch").GetExportedTypes().ShouldBeEmpty();
}
