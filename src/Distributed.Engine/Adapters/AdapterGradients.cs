using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Engine.Training;

namespace Distributed.Engine.Adapters;

/// <summary>
/// Gradients of an adapter alone: for y += scale B A x they are dB = scale dy (A x)^T and dA = scale B^T dy x^T. The frozen matrices' own
/// gradients, as large as the model, are never formed.
/// </summary>
internal sealed unsafe class AdapterGradients : ParameterGradients
{
    private readonly PackedAdapter _adapter;
    private readonly ModelConfig _config;
    private readonly FloatBuffer _nowhere;
    private FloatBuffer _middle = new(0);

    public AdapterGradients(PackedAdapter adapter, AdapterLayout layout, ModelConfig config)
        : base(layout.ParameterCount)
    {
        (_adapter, _config) = (adapter, config);
        _nowhere = new FloatBuffer(Math.Max(config.HiddenSize, config.HeadSize));
    }

    public override float* Head => null;

    public override float* Embedding => null;

    public override bool TakesVectors => false;

    public override float* Vector(long offset) => _nowhere.Pointer;

    public override void Matrix(int layer, LayerMatrix matrix, float* dOutput, float* input, int rows)
    {
        if (_adapter.Find(layer, matrix) is not { } adapted)
            return;
        var (inputs, outputs) = (_config.InputsOf(matrix), _config.OutputsOf(matrix));
        var stride = (adapted.Rank + 15) / 16 * 16;
        var middle = Reserve((long)rows * stride);
        Gemm.Multiply(input, inputs, rows, adapted.Down, middle, stride);
        var first = 0;
        foreach (var part in adapted.Parts)
        {
            for (var row = 0; row < rows; row++)
                for (var i = 0; i < part.Rank; i++)
                    middle[((long)row * stride) + first + i] *= part.Scale;
            Gemm.AccumulateTransposed(dOutput + part.Column, outputs, part.Outputs, middle + first, stride, part.Rank, rows, Pointer + part.B, part.Rank);
            first += part.Rank;
        }

        Gemm.Multiply(dOutput, outputs, rows, adapted.DownBackward!, middle, stride);
        first = 0;
        foreach (var part in adapted.Parts)
        {
            Gemm.AccumulateTransposed(middle + first, stride, part.Rank, input, inputs, inputs, rows, Pointer + part.A, inputs);
            first += part.Rank;
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _nowhere.Dispose();
        _middle.Dispose();
    }

    private float* Reserve(long floats)
    {
        if (_middle.Length < floats)
        {
            _middle.Dispose();
            _middle = new FloatBuffer(floats);
        }

        return _middle.Pointer;
    }
}
