using Distributed.Node.Checkpoints;
using Distributed.Ports;

namespace Distributed.Node.Tests.Checkpoints;

/// <summary>Weights and moments as bare bytes; can be told to fail or to wait.</summary>
internal sealed class RawModelFiles : IModelFiles
{
    public Action BeforeModel { get; init; } = () => { };

    public Action BeforeOptimizer { get; init; } = () => { };

    public void WriteModel(string folder, ReadOnlyMemory<byte> weights)
    {
        BeforeModel();
        File.WriteAllBytes(Path.Combine(folder, "model.safetensors"), weights.ToArray());
    }

    public ReadOnlyMemory<byte> ReadModel(string folder) => File.ReadAllBytes(Path.Combine(folder, "model.safetensors"));

    public void WriteOptimizer(string path, OptimizerState state)
    {
        BeforeOptimizer();
        File.WriteAllBytes(path, [(byte)state.Step, .. state.FirstMoment.Span, .. state.SecondMoment.Span]);
    }

    public OptimizerState ReadOptimizer(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var length = (bytes.Length - 1) / 2;
        return new(bytes[0], bytes.AsMemory(1, length), bytes.AsMemory(1 + length));
    }
}
