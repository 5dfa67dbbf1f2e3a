using System.Runtime.InteropServices;
using Distributed.Engine.Model;
using Distributed.Ports;
using TorchSharp;
using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Model;

/// <summary>
/// Named parameters on the device, all of them parts of one flat float32 tensor, and their gradients parts of another: they come in and go out in
/// one copy, and the optimizer needs a handful of calls for all of them. Autograd adds into the gradient's parts in place.
/// </summary>
internal sealed class TorchParameters : IDisposable
{
    // Copies go through host memory in parts, so that a large model does not need itself twice.
    private const long MostCopied = 1L << 26;
    private readonly Dictionary<string, int> _indices = [];
    private readonly Device _device;
    private readonly ScalarType _compute;
    private readonly Tensor[] _leaves;
    private readonly Tensor[] _narrow;
    private Tensor? _narrowFlat;
    private Tensor[] _gradients = [];

    /// <param name="tensors">Names and shapes in the order of the buffer.</param>
    /// <param name="device">Where.</param>
    /// <param name="compute">In what numbers products are computed.</param>
    public TorchParameters(IReadOnlyList<TensorShape> tensors, Device device, ScalarType compute)
    {
        (Tensors, _device, _compute) = (tensors, device, compute);
        Count = tensors.Sum(tensor => tensor.ElementCount);
        using var scope = NewDisposeScope();
        Flat = zeros(Count, ScalarType.Float32, device).DetachFromDisposeScope();
        _leaves = Parts(Flat);
        _narrow = new Tensor[tensors.Count];
        for (var i = 0; i < tensors.Count; i++)
            _indices.Add(tensors[i].Name, i);
    }

    /// <summary>Names and shapes in the order of the buffer.</summary>
    public IReadOnlyList<TensorShape> Tensors { get; }

    /// <summary>Parameters in all.</summary>
    public long Count { get; }

    /// <summary>All parameters, [Count].</summary>
    public Tensor Flat { get; }

    /// <summary>All gradients, [Count]; null until <see cref="PrepareTraining"/>.</summary>
    public Tensor? Gradient { get; private set; }

    /// <summary>Whether the model has such a parameter.</summary>
    public bool Has(string name) => _indices.ContainsKey(name);

    /// <summary>A parameter in float32, for norms and biases.</summary>
    public Tensor Exact(string name) => _leaves[_indices[name]];

    /// <summary>A parameter in the numbers products are computed in. With autograd on, its gradient arrives in float32.</summary>
    public Tensor Compute(string name)
    {
        var index = _indices[name];
        if (_compute == ScalarType.Float32)
            return _leaves[index];
        return is_grad_enabled() ? _leaves[index].to(_compute) : Narrow(index);
    }

    /// <summary>A parameter's part of the gradient.</summary>
    public Tensor GradientOf(string name) => _gradients[_indices[name]];

    /// <summary>Takes memory for gradients and has autograd write to it.</summary>
    public void PrepareTraining()
    {
        if (Gradient is not null)
            return;
        using var scope = NewDisposeScope();
        Gradient = zeros(Count, ScalarType.Float32, _device).DetachFromDisposeScope();
        _gradients = Parts(Gradient);
        for (var i = 0; i < _leaves.Length; i++)
        {
            _leaves[i].requires_grad_(true);
            _leaves[i].grad = _gradients[i];
        }
    }

    /// <summary>Notes that the parameters are others now.</summary>
    public void Changed()
    {
        if (_narrowFlat is null)
            return;
        using var quiet = no_grad();
        _narrowFlat.copy_(Flat);
    }

    /// <summary>Overwrites the parameters from little-endian float32 bytes of the whole buffer.</summary>
    public void CopyFrom(ReadOnlySpan<byte> bytes) => FromBytes(Flat, bytes);

    /// <summary>Overwrites one flat tensor from bytes.</summary>
    public static void FromBytes(Tensor flat, ReadOnlySpan<byte> bytes)
    {
        using var quiet = no_grad();
        for (long at = 0; at < flat.numel(); at += MostCopied)
        {
            using var scope = NewDisposeScope();
            var length = Math.Min(MostCopied, flat.numel() - at);
            var part = bytes.Slice((int)(at * sizeof(float)), (int)(length * sizeof(float)));
            var target = flat.narrow(0, at, length);
            if (flat.device_type == DeviceType.CPU)
            {
                part.CopyTo(target.bytes);
                continue;
            }

            var host = empty(length);
            part.CopyTo(host.bytes);
            target.copy_(host);
        }
    }

    /// <summary>Little-endian float32 bytes of a flat tensor.</summary>
    public static byte[] ToBytes(Tensor flat)
    {
        using var quiet = no_grad();
        var bytes = new byte[checked(flat.numel() * sizeof(float))];
        for (long at = 0; at < flat.numel(); at += MostCopied)
        {
            using var scope = NewDisposeScope();
            var length = Math.Min(MostCopied, flat.numel() - at);
            flat.narrow(0, at, length).detach().cpu().bytes.CopyTo(bytes.AsSpan((int)(at * sizeof(float))));
        }

        return bytes;
    }

    /// <summary>Overwrites the parameters from a model in host memory.</summary>
    public unsafe void CopyFrom(FlatParameters weights)
    {
        using var quiet = no_grad();
        for (long at = 0; at < Count; at += MostCopied)
        {
            using var scope = NewDisposeScope();
            var length = Math.Min(MostCopied, Count - at);
            var host = empty(length);
            MemoryMarshal.AsBytes(new ReadOnlySpan<float>(weights.Pointer + at, (int)length)).CopyTo(host.bytes);
            Flat.narrow(0, at, length).copy_(host);
        }
    }

    public void Dispose()
    {
        foreach (var part in _leaves.Concat(_gradients).Concat(_narrow))
            part?.Dispose();
        Flat.Dispose();
        Gradient?.Dispose();
        _narrowFlat?.Dispose();
    }

    private Tensor Narrow(int index)
    {
        if (_narrowFlat is null)
        {
            using var scope = NewDisposeScope();
            _narrowFlat = Flat.to(_compute).DetachFromDisposeScope();
            Parts(_narrowFlat).CopyTo(_narrow, 0);
        }

        return _narrow[index];
    }

    private Tensor[] Parts(Tensor flat)
    {
        var parts = new Tensor[Tensors.Count];
        long at = 0;
        for (var i = 0; i < parts.Length; i++)
        {
            var tensor = Tensors[i];
            parts[i] = flat.narrow(0, at, tensor.ElementCount).view([.. tensor.Shape.Select(size => (long)size)]).detach().DetachFromDisposeScope();
            at += tensor.ElementCount;
        }

        return parts;
    }
}
