using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Distributed.Engine.Tests")]
[assembly: InternalsVisibleTo("Distributed.Engine.Torch")]
[assembly: InternalsVisibleTo("Distributed.Engine.Torch.Tests")]
[assembly: InternalsVisibleTo("Distributed.Benchmarks")]
