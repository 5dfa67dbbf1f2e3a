using System.Collections.Concurrent;
using Distributed.Actors.Ports;
using Distributed.Fabric.Weights;
using Distributed.Protocol;

namespace Distributed.Actors.Tests.Fakes;

/// <summary>Nodes that pull from each other in memory, each with its own offers; counts what each serves.</summary>
public sealed class WeightMesh
{
    private readonly ConcurrentDictionary<string, NodeTransport> _nodes = new();
    private readonly ConcurrentQueue<(string Source, WeightImage Image, long Offset, string To)> _served = new();

    /// <summary>Every range that was served, in order.</summary>
    public IReadOnlyCollection<(string Source, WeightImage Image, long Offset, string To)> Served => _served;

    /// <summary>Called before each range is served: source, destination, image; false: the source does not answer the question.</summary>
    public Func<string, string, WeightImage, bool> Serves { get; init; } = (_, _, _) => true;

    public IWeightTransport At(string node) => _nodes.GetOrAdd(node, name => new NodeTransport(this, name));

    private sealed class NodeTransport(WeightMesh mesh, string name) : IWeightTransport
    {
        private readonly OfferedWeights _offered = new();

        public string? Address => $"mem://{name}";

        public void Offer(WeightImage image, ReadOnlyMemory<byte> bytes) => _offered.Add(image, bytes);

        public void Fetch(WeightSource source, WeightImage image, long offset, int length, Action<FetchedRange> reply)
        {
            source.Address.ShouldBe($"mem://{source.Node.Value}");
            var from = (NodeTransport)mesh.At(source.Node.Value);
            if (!mesh.Serves(source.Node.Value, name, image))
            {
                reply(new FetchedRange(offset, default, $"{source.Node.Value} is cut off"));
                return;
            }

            if (from._offered.TryRead(image, offset, length, out var bytes, out var error)) mesh._served.Enqueue((source.Node.Value, image, offset, name));
            reply(new FetchedRange(offset, bytes, error));
        }
    }
}
