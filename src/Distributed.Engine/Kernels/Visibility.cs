using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("Distributed.Engine.Tests")]
[assembly: InternalsVisibleTo("Distributed.Benchmarks")]
