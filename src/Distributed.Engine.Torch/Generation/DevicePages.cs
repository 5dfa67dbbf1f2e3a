using Distributed.Engine.Generation;
using Distributed.Engine.Model;
using static TorchSharp.torch;

namespace Distributed.Engine.Torch.Generation;

/// <summary>Pages of keys and values on the device, taken once: per layer one tensor [positions, heads * size] of each. A page is its number.</summary>
internal sealed class DevicePages : IPageStore
{
    private readonly Tensor[] _keys;
    private readonly Tensor[] _values;
    private readonly int[] _holders;
    private readonly Stack<nint> _free;

    /// <param name="config">The model.</param>
    /// <param name="capacity">Pages.</param>
    /// <param name="device">Where.</param>
    /// <param name="type">In what numbers.</param>
    public DevicePages(ModelConfig config, int capacity, Device device, ScalarType type)
    {
        Capacity = capacity;
        PageBytes = BytesOf(config, type);
        _holders = new int[capacity];
        _free = new Stack<nint>(Enumerable.Range(0, capacity).Reverse().Select(page => (nint)page));
        using var scope = NewDisposeScope();
        _keys = [.. Enumerable.Range(0, config.Layers).Select(_ => Take())];
        _values = [.. Enumerable.Range(0, config.Layers).Select(_ => Take())];

        Tensor Take() => empty([(long)capacity * KeyValueLayout.PagePositions, config.KeyValueWidth], type, device).DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public int Capacity { get; }

    /// <inheritdoc/>
    public int Available => _free.Count;

    /// <inheritdoc/>
    public long PageBytes { get; }

    /// <summary>Bytes of a page of a model.</summary>
    public static long BytesOf(ModelConfig config, ScalarType type) =>
        2L * config.Layers * KeyValueLayout.PagePositions * config.KeyValueWidth * (type == ScalarType.Float32 ? 4 : 2);

    /// <summary>Keys of a layer, [positions, heads * size].</summary>
    public Tensor Keys(int layer) => _keys[layer];

    /// <summary>Values of a layer, as the keys.</summary>
    public Tensor Values(int layer) => _values[layer];

    /// <summary>Where a position of a sequence lies.</summary>
    public static long Slot(ReadOnlySpan<nint> pages, int position) =>
        ((long)pages[position / KeyValueLayout.PagePositions] * KeyValueLayout.PagePositions) + (position % KeyValueLayout.PagePositions);

    /// <inheritdoc/>
    public nint Take()
    {
        var page = _free.Pop();
        _holders[page] = 1;
        return page;
    }

    /// <inheritdoc/>
    public nint Share(nint page)
    {
        _holders[page]++;
        return page;
    }

    /// <inheritdoc/>
    public bool IsShared(nint page) => _holders[page] > 1;

    /// <inheritdoc/>
    public void Return(nint page)
    {
        if (--_holders[page] == 0)
            _free.Push(page);
    }

    /// <inheritdoc/>
    public void Copy(nint from, nint to)
    {
        using var quiet = no_grad();
        using var scope = NewDisposeScope();
        foreach (var cache in _keys.Concat(_values))
            cache.narrow(0, to * KeyValueLayout.PagePositions, KeyValueLayout.PagePositions)
                .copy_(cache.narrow(0, from * KeyValueLayout.PagePositions, KeyValueLayout.PagePositions));
    }

    public void Dispose()
    {
        foreach (var cache in _keys.Concat(_values))
            cache.Dispose();
    }
}
