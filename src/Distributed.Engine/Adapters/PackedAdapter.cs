using Distributed.Engine.Kernels;
using Distributed.Engine.Model;
using Distributed.Engine.Training;

namespace Distributed.Engine.Adapters;

/// <summary>An adapter hung onto a model: every product with an adapted matrix has the adapter's term added, in sampling, scoring and training alike. The model's own weights are never touched.</summary>
internal sealed class PackedAdapter : ITrainedParameters
{
    private readonly PackedModel _model;
    private readonly AdapterWeights _weights;
    private readonly Dictionary<(int Layer, LayerMatrix Matrix), AdaptedMatrix> _matrices = [];

    /// <param name="model">The frozen model, whose matrices get the terms and own them.</param>
    /// <param name="weights">The adapter; not owned.</param>
    public PackedAdapter(PackedModel model, AdapterWeights weights)
    {
        (_model, _weights) = (model, weights);
        foreach (var group in weights.Layout.Matrices.GroupBy(matrix => (matrix.Module.Layer, Matrix: matrix.Module.Projection.Matrix())))
            _matrices.Add(group.Key, new AdaptedMatrix(weights, [.. group], Target(group.Key.Layer, group.Key.Matrix)));
        foreach (var matrix in _matrices.Values)
            matrix.Repack();
    }

    public FlatParameters Flat => _weights;

    public int PartCount => _model.Config.Layers;

    public void PrepareBackward()
    {
        _model.PrepareBackward();
        foreach (var ((layer, matrix), adapted) in _matrices)
            adapted.PrepareBackward(BackwardTarget(layer, matrix));
    }

    public ParameterGradients NewGradients() => new AdapterGradients(this, _weights.Layout, _model.Config);

    /// <summary>Packs one layer's adapters.</summary>
    public void RepackPart(int part)
    {
        foreach (var matrix in Enum.GetValues<LayerMatrix>())
            Find(part, matrix)?.Repack();
    }

    /// <summary>What is added to a matrix, or null.</summary>
    public AdaptedMatrix? Find(int layer, LayerMatrix matrix) => _matrices.GetValueOrDefault((layer, matrix));

    private PackedMatrix Target(int layer, LayerMatrix matrix) => matrix switch
    {
        LayerMatrix.Query => _model.Layers[layer].Query,
        LayerMatrix.KeyValue => _model.Layers[layer].KeyValue,
        LayerMatrix.Output => _model.Layers[layer].Output,
        LayerMatrix.GateUp => _model.Layers[layer].GateUp,
        _ => _model.Layers[layer].Down,
    };

    private PackedMatrix BackwardTarget(int layer, LayerMatrix matrix) => (matrix switch
    {
        LayerMatrix.Query => _model.Layers[layer].QueryBackward,
        LayerMatrix.KeyValue => _model.Layers[layer].KeyValueBackward,
        LayerMatrix.Output => _model.Layers[layer].OutputBackward,
        LayerMatrix.GateUp => _model.Layers[layer].GateUpBackward,
        _ => _model.Layers[layer].DownBackward,
    })!;
}
